-- +goose Up

-- Names as they are compared: registry/names writes these two functions, and its
-- test compares them with what stands here.
-- +goose StatementBegin
create function name_fold(name text) returns text language plpgsql immutable strict parallel safe as $$
declare s text := name;
begin
  if octet_length(s) > length(s) then
    s := regexp_replace(normalize(s, NFKD), '[\u00AD\u02B0-\u036F\u0483-\u0489\u0591-\u05BD\u05BF\u05C1-\u05C2\u05C4-\u05C5\u05C7\u0610-\u061A\u0621\u0640\u064B-\u065F\u0670\u06D6-\u06DC\u06DF-\u06E4\u06E7-\u06E8\u06EA-\u06ED\u093C\u09BC\u0A3C\u0ABC\u135D-\u135F\u200B-\u200F\u2018-\u201B\u202A-\u202E\u2032\u2060-\u206F\uFEFF]+', '', 'g');
    s := regexp_replace(s, '[\u0080-\u00A9\u00AB-\u00AC\u00AE-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u00D7\u00F7\u0387\u055A-\u055F\u0589-\u058A\u05BE\u05C0\u05C3\u05F3-\u05F4\u0600-\u060F\u061B-\u061F\u066A-\u066D\u06D4\u06DD-\u06DE\u06E9\u0964-\u0965\u1361-\u1368\u2000-\u200A\u2010-\u2017\u201C-\u2029\u202F-\u2031\u2033-\u205F\u20A0-\u20BF\u2190-\u23FF\u2500-\u27BF\u3000-\u3003\u3008-\u3020\u30FB\uFFFC-\uFFFD]+', ' ', 'g');
    if s ~ '[\u0080-\u036F]' then
      s := translate(s, U&'\00D0\00D8\00F0\00F8\0110\0111\0126\0127\0131\0141\0142\014A\014B\0166\0167\0181\018A\018F\0198\0199\01B3\01B4\0253\0257\0259',
        'dododdhhillnnttbdekkyybde');
    end if;
    if s ~ '[\u0370-\u052F]' then
      s := translate(s, U&'\0391\0392\0393\0394\0395\0396\0397\0398\0399\039A\039B\039C\039D\039E\039F\03A0\03A1\03A2\03A3\03A4\03A5\03A6\03A7\03A8\03A9\03C2\0402\0403\0404\0405\0406\0407\0408\0409\040A\040B\040C\040D\040E\040F\0410\0411\0412\0413\0414\0415\0416\0417\0418\0419\041A\041B\041C\041D\041E\041F\0420\0421\0422\0423\0424\0425\0426\0427\0428\0429\042A\042B\042C\042D\042E\042F\0454\0490\0491\049A\049B\04A2\04A3\04AE\04AF\04B0\04B1\04BA\04C0\04CF\04D8\04E8',
        U&'\03B1\03B2\03B3\03B4\03B5\03B6\03B7\03B8\03B9\03BA\03BB\03BC\03BD\03BE\03BF\03C0\03C1\03C3\03C3\03C4\03C5\03C6\03C7\03C8\03C9\03C3\0452\0453\0435\0455\0456\0457\0458\0459\045A\045B\045C\045D\045E\045F\0430\0431\0432\0433\0434\0435\0436\0437\0438\0439\043A\043B\043C\043D\043E\043F\0440\0441\0442\0443\0444\0445\0446\0447\0448\0449\044A\044B\044C\044D\044E\044F\0435\0433\0433\043A\043A\043D\043D\0443\0443\0443\0443\04BB\0456\0456\04D9\04E9');
    end if;
    if s ~ '[\u0530-\u05FF]' then
      s := translate(s, U&'\0531\0532\0533\0534\0535\0536\0537\0538\0539\053A\053B\053C\053D\053E\053F\0540\0541\0542\0543\0544\0545\0546\0547\0548\0549\054A\054B\054C\054D\054E\054F\0550\0551\0552\0553\0554\0555\0556',
        U&'\0561\0562\0563\0564\0565\0566\0567\0568\0569\056A\056B\056C\056D\056E\056F\0570\0571\0572\0573\0574\0575\0576\0577\0578\0579\057A\057B\057C\057D\057E\057F\0580\0581\0582\0583\0584\0585\0586');
    end if;
    if s ~ '[\u0600-\u08FF]' then
      s := translate(s, U&'\0629\0649\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669\0671\06A9\06AA\06AD\06AF\06BE\06C1\06C3\06CC\06CD\06D0\06D2\06D5\06F0\06F1\06F2\06F3\06F4\06F5\06F6\06F7\06F8\06F9',
        U&'\0647\064A0123456789\0627\0643\0643\0643\0643\0647\0647\0647\064A\064A\064A\064A\06470123456789');
    end if;
    if s ~ '[\u0900-\uFFFF]' then
      s := translate(s, U&'\0966\0967\0968\0969\096A\096B\096C\096D\096E\096F\09E6\09E7\09E8\09E9\09EA\09EB\09EC\09ED\09EE\09EF',
        '01234567890123456789');
    end if;
    if s ~ '[\u00DF\u1E9E\u00C6\u00E6\u0152-\u0153\u00DE\u00FE]' then
      s := replace(s, U&'\00DF', 'ss');
      s := replace(s, U&'\1E9E', 'ss');
      s := replace(s, U&'\00C6', 'ae');
      s := replace(s, U&'\00E6', 'ae');
      s := replace(s, U&'\0152', 'oe');
      s := replace(s, U&'\0153', 'oe');
      s := replace(s, U&'\00DE', 'th');
      s := replace(s, U&'\00FE', 'th');
    end if;
  end if;
  s := translate(lower(s collate "C"), '''`', '');
  if s ~ '[\u0001-\u001F\u0021-\u002F\u003A-\u0060\u007B-\u007F]|  ' then -- a replacement for each space costs more than all else here
    s := regexp_replace(s, '[\u0001-\u002F\u003A-\u0060\u007B-\u007F]+', ' ', 'g');
  end if;
  s := btrim(s);
  if strpos(s, 'abd') > 0 then
    s := regexp_replace(s, '(^| )abd[aeiou]l ?([a-z][a-z][a-z])', '\1abd al\2', 'g');
  end if;
  if strpos(s, 'abd') > 0 then
    s := regexp_replace(s, '(^| )abd[aeiou][rsntdz] ([a-z][a-z][a-z])', '\1abd al\2', 'g');
  end if;
  if strpos(s, 'abd') > 0 then
    s := regexp_replace(s, '(^| )abd[aeiou]([rsntdz][a-z][a-z][a-z])', '\1abd al\2', 'g');
  end if;
  if strpos(s, U&'\0639\0628\062F\0627\0644') > 0 then
    s := regexp_replace(s, U&'(^| )\0639\0628\062F\0627\0644', U&'\\1\0639\0628\062F \0627\0644', 'g');
  end if;
  if strpos(s, 'l ') > 0 then
    s := regexp_replace(s, '(^| )(al|el) ([^ ])', '\1\2\3', 'g');
  end if;
  if strpos(s, U&'\0627\0644 ') > 0 then
    s := regexp_replace(s, U&'(^| )\0627\0644 ([^ ])', U&'\\1\0627\0644\\2', 'g');
  end if;
  return s;
end $$;

create function name_key(word text) returns text language plpgsql immutable strict parallel safe as $$
declare s text := regexp_replace(word, '([a-z])\1+', '\1', 'g');
begin
  s := replace(s, 'sch', 's');
  s := replace(s, 'sh', 's');
  s := replace(s, 'ch', 's');
  s := replace(s, 'kh', 'k');
  s := replace(s, 'gh', 'j');
  s := replace(s, 'dh', 'd');
  s := replace(s, 'th', 't');
  s := replace(s, 'ph', 'f');
  s := replace(s, 'bh', 'b');
  s := replace(s, 'zh', 'j');
  s := replace(s, 'jh', 'j');
  s := replace(s, 'dj', 'j');
  s := replace(s, 'ck', 'k');
  s := replace(s, 'ce', 'se');
  s := replace(s, 'ci', 'si');
  s := replace(s, 'cy', 'sy');
  s := replace(s, 'qu', 'k');
  s := replace(s, 'x', 'ks');
  s := replace(s, U&'\0644\0644', U&'\0644');
  s := translate(s, 'cgpqv',
      'kjbkf');
  if octet_length(s) > length(s) then
    s := translate(s, U&'\03B1\03B2\03B3\03B4\03B5\03B6\03B7\03B8\03B9\03BA\03BB\03BC\03BD\03BE\03BF\03C0\03C1\03C3\03C4\03C5\03C6\03C7\03C8\03C9\0430\0431\0432\0433\0434\0435\0436\0437\0438\0439\043A\043B\043C\043D\043E\043F\0440\0441\0442\0443\0444\0445\0446\0447\0448\0449\044A\044B\044C\044D\044E\044F\0452\0453\0454\0455\0456\0457\0458\0459\045A\045B\045C\045E\045F\0493\049B\04A3\04AF\04B1\04BB\04D9\04E9\05D0\05D1\05D2\05D3\05D4\05D5\05D6\05D7\05D8\05D9\05DA\05DB\05DC\05DD\05DE\05DF\05E0\05E1\05E2\05E3\05E4\05E5\05E6\05E7\05E8\05E9\05EA\0627\0628\062A\062B\062C\062D\062E\062F\0630\0631\0632\0633\0634\0635\0636\0637\0638\0639\063A\0641\0642\0643\0644\0645\0646\0647\0648\064A\0679\067C\067E\0686\0688\0689\0691\0693\0698\06A4\06BA\06BC',
      'afjdazataklmnkabrstafkbaabfjdajzayklmnabrstafkssssaaaaayjjasaaylnskajjknaahaaabjdhwzhtykklmmnnsabbsskrstabttjhkddrzsssdtzajfkklmnhwyttbsddrrjfnn');
  end if;
  if s ~ '[\u0900-\uFFFF]' then
    s := translate(s, U&'\0901\0902\0904\0905\0906\0907\0908\0909\090A\090B\090C\090D\090E\090F\0910\0911\0912\0913\0914\0915\0916\0917\0918\0919\091A\091B\091C\091D\091E\091F\0920\0921\0922\0923\0924\0925\0926\0927\0928\0929\092A\092B\092C\092D\092E\092F\0930\0931\0932\0933\0934\0935\0936\0937\0938\0939\093D\093E\093F\0940\0941\0942\0943\0944\0945\0946\0947\0948\0949\094A\094B\094C\094D\0981\0982\0984\0985\0986\0987\0988\0989\098A\098B\098C\098D\098E\098F\0990\0991\0992\0993\0994\0995\0996\0997\0998\0999\099A\099B\099C\099D\099E\099F\09A0\09A1\09A2\09A3\09A4\09A5\09A6\09A7\09A8\09A9\09AA\09AB\09AC\09AD\09AE\09AF\09B0\09B1\09B2\09B3\09B4\09B5\09B6\09B7\09B8\09B9\09BD\09BE\09BF\09C0\09C1\09C2\09C3\09C4\09C5\09C6\09C7\09C8\09C9\09CA\09CB\09CC\09CD\0A01\0A02\0A04\0A05\0A06\0A07\0A08\0A09\0A0A\0A0B\0A0C\0A0D\0A0E\0A0F\0A10\0A11\0A12\0A13\0A14\0A15\0A16\0A17\0A18\0A19\0A1A\0A1B\0A1C\0A1D\0A1E\0A1F\0A20\0A21\0A22\0A23\0A24\0A25\0A26\0A27\0A28\0A29\0A2A\0A2B\0A2C\0A2D\0A2E\0A2F\0A30\0A31\0A32\0A33\0A34\0A35\0A36\0A37\0A38\0A39\0A3D\0A3E\0A3F\0A40\0A41\0A42\0A43\0A44\0A45\0A46\0A47\0A48\0A49\0A4A\0A4B\0A4C\0A4D\0A81\0A82\0A84\0A85\0A86\0A87\0A88\0A89\0A8A\0A8B\0A8C\0A8D\0A8E\0A8F\0A90\0A91\0A92\0A93\0A94\0A95\0A96\0A97\0A98\0A99\0A9A\0A9B\0A9C\0A9D\0A9E\0A9F\0AA0\0AA1\0AA2\0AA3\0AA4\0AA5\0AA6\0AA7\0AA8\0AA9\0AAA\0AAB\0AAC\0AAD\0AAE\0AAF\0AB0\0AB1\0AB2\0AB3\0AB4\0AB5\0AB6\0AB7\0AB8\0AB9\0ABD\0ABE\0ABF\0AC0\0AC1\0AC2\0AC3\0AC4\0AC5\0AC6\0AC7\0AC8\0AC9\0ACA\0ACB\0ACC\0ACD\0B01\0B02\0B04\0B05\0B06\0B07\0B08\0B09\0B0A\0B0B\0B0C\0B0D\0B0E\0B0F\0B10\0B11\0B12\0B13\0B14\0B15\0B16\0B17\0B18\0B19\0B1A\0B1B\0B1C\0B1D\0B1E\0B1F\0B20\0B21\0B22\0B23\0B24\0B25\0B26\0B27\0B28\0B29\0B2A\0B2B\0B2C\0B2D\0B2E\0B2F\0B30\0B31\0B32\0B33\0B34\0B35\0B36\0B37\0B38\0B39\0B3D\0B3E\0B3F\0B40\0B41\0B42\0B43\0B44\0B45\0B46\0B47\0B48\0B49\0B4A\0B4B\0B4C\0B4D\0B81\0B82\0B84\0B85\0B86\0B87\0B88\0B89\0B8A\0B8B\0B8C\0B8D\0B8E\0B8F\0B90\0B91\0B92\0B93\0B94\0B95\0B96\0B97\0B98\0B99\0B9A\0B9B\0B9C\0B9D\0B9E\0B9F\0BA0\0BA1\0BA2\0BA3\0BA4\0BA5\0BA6\0BA7\0BA8\0BA9\0BAA\0BAB\0BAC\0BAD\0BAE\0BAF\0BB0\0BB1\0BB2\0BB3\0BB4\0BB5\0BB6\0BB7\0BB8\0BB9\0BBD\0BBE\0BBF\0BC0\0BC1\0BC2\0BC3\0BC4\0BC5\0BC6\0BC7\0BC8\0BC9\0BCA\0BCB\0BCC\0BCD\0C01\0C02\0C04\0C05\0C06\0C07\0C08\0C09\0C0A\0C0B\0C0C\0C0D\0C0E\0C0F\0C10\0C11\0C12\0C13\0C14\0C15\0C16\0C17\0C18\0C19\0C1A\0C1B\0C1C\0C1D\0C1E\0C1F\0C20\0C21\0C22\0C23\0C24\0C25\0C26\0C27\0C28\0C29\0C2A\0C2B\0C2C\0C2D\0C2E\0C2F\0C30\0C31\0C32\0C33\0C34\0C35\0C36\0C37\0C38\0C39\0C3D\0C3E\0C3F\0C40\0C41\0C42\0C43\0C44\0C45\0C46\0C47\0C48\0C49\0C4A\0C4B\0C4C\0C4D\0C81\0C82\0C84\0C85\0C86\0C87\0C88\0C89\0C8A\0C8B\0C8C\0C8D\0C8E\0C8F\0C90\0C91\0C92\0C93\0C94\0C95\0C96\0C97\0C98\0C99\0C9A\0C9B\0C9C\0C9D\0C9E\0C9F\0CA0\0CA1\0CA2\0CA3\0CA4\0CA5\0CA6\0CA7\0CA8\0CA9\0CAA\0CAB\0CAC\0CAD\0CAE\0CAF\0CB0\0CB1\0CB2\0CB3\0CB4\0CB5\0CB6\0CB7\0CB8\0CB9\0CBD\0CBE\0CBF\0CC0\0CC1\0CC2\0CC3\0CC4\0CC5\0CC6\0CC7\0CC8\0CC9\0CCA\0CCB\0CCC\0CCD\0D01\0D02\0D04\0D05\0D06\0D07\0D08\0D09\0D0A\0D0B\0D0C\0D0D\0D0E\0D0F\0D10\0D11\0D12\0D13\0D14\0D15\0D16\0D17\0D18\0D19\0D1A\0D1B\0D1C\0D1D\0D1E\0D1F\0D20\0D21\0D22\0D23\0D24\0D25\0D26\0D27\0D28\0D29\0D2A\0D2B\0D2C\0D2D\0D2E\0D2F\0D30\0D31\0D32\0D33\0D34\0D35\0D36\0D37\0D38\0D39\0D3D\0D3E\0D3F\0D40\0D41\0D42\0D43\0D44\0D45\0D46\0D47\0D48\0D49\0D4A\0D4B\0D4C\0D4D\1200\1201\1202\1203\1204\1205\1206\1207\1208\1209\120A\120B\120C\120D\120E\120F\1210\1211\1212\1213\1214\1215\1216\1217\1218\1219\121A\121B\121C\121D\121E\121F\1220\1221\1222\1223\1224\1225\1226\1227\1228\1229\122A\122B\122C\122D\122E\122F\1230\1231\1232\1233\1234\1235\1236\1237\1238\1239\123A\123B\123C\123D\123E\123F\1240\1241\1242\1243\1244\1245\1246\1247\1248\1249\124A\124B\124C\124D\124E\124F\1250\1251\1252\1253\1254\1255\1256\1257\1258\1259\125A\125B\125C\125D\125E\125F\1260\1261\1262\1263\1264\1265\1266\1267\1268\1269\126A\126B\126C\126D\126E\126F\1270\1271\1272\1273\1274\1275\1276\1277\1278\1279\127A\127B\127C\127D\127E\127F\1280\1281\1282\1283\1284\1285\1286\1287\1288\1289\128A\128B\128C\128D\128E\128F\1290\1291\1292\1293\1294\1295\1296\1297\1298\1299\129A\129B\129C\129D\129E\129F\12A0\12A1\12A2\12A3\12A4\12A5\12A6\12A7\12A8\12A9\12AA\12AB\12AC\12AD\12AE\12AF\12B0\12B1\12B2\12B3\12B4\12B5\12B6\12B7\12B8\12B9\12BA\12BB\12BC\12BD\12BE\12BF\12C0\12C1\12C2\12C3\12C4\12C5\12C6\12C7\12C8\12C9\12CA\12CB\12CC\12CD\12CE\12CF\12D0\12D1\12D2\12D3\12D4\12D5\12D6\12D7\12D8\12D9\12DA\12DB\12DC\12DD\12DE\12DF\12E0\12E1\12E2\12E3\12E4\12E5\12E6\12E7\12E8\12E9\12EA\12EB\12EC\12ED\12EE\12EF\12F0\12F1\12F2\12F3\12F4\12F5\12F6\12F7\12F8\12F9\12FA\12FB\12FC\12FD\12FE\12FF\1300\1301\1302\1303\1304\1305\1306\1307\1308\1309\130A\130B\130C\130D\130E\130F\1310\1311\1312\1313\1314\1315\1316\1317\1318\1319\131A\131B\131C\131D\131E\131F\1320\1321\1322\1323\1324\1325\1326\1327\1328\1329\132A\132B\132C\132D\132E\132F\1330\1331\1332\1333\1334\1335\1336\1337\1338\1339\133A\133B\133C\133D\133E\133F\1340\1341\1342\1343\1344\1345\1346\1347\1348\1349\134A\134B\134C\134D\134E\134F\1350\1351\1352\1353\1354\1355\1356\1357',
      'nnaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaannaaaaaaaaaaaaaaaaakkjjnssjjnttddnttddnnbfbbmyrrlllfssshaaaaaaaaaaaaaaaaahhhhhhhhllllllllhhhhhhhhmmmmmmmmssssssssrrrrrrrrsssssssssssssssskkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkbbbbbbbbffffffffttttttttsssssssshhhhhhhhhhhhhhhhnnnnnnnnnnnnnnnnaaaaaaaakkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkwwwwwwwwaaaaaaaazzzzzzzzjjjjjjjjyyyyyyyyddddddddddddddddjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjttttttttssssssssbbbbbbbbssssssssssssssssffffffffbbbbbbbb');
  end if;
  s := case when s ~ '^[wy]' then left(s, 1) else '' end || translate(s, 'aeiouwy', '');
  if length(s) > 1 and right(s, 1) = 'h' then
    s := left(s, -1);
  end if;
  return case s when '' then 'a' else s end;
end $$;
-- +goose StatementEnd
grant execute on function name_fold(text), name_key(text) to daftar_citizen, daftar_staff, daftar_api, daftar_jobs, daftar_search;

-- Where an area is: the codes of the areas around it and its own, the country
-- first, each with a slash: 'MJ/MJ01/MJ0101/'. Everything inside an area, at any
-- level, is one range of places, and a list of it is one range of an index.
alter table area add column place text collate "C" not null default '';

-- +goose StatementBegin
create function area_place() returns trigger language plpgsql as $$
begin
  new.place := coalesce((select p.place from area p where p.id = new.parent_id), '') || new.code || '/';
  return new;
end $$;

-- What lies inside an area that got another place gets another, too.
create function area_place_follow() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update area a set place = '' where a.parent_id = new.id;
  perform search_refresh(array(select distinct m.person_id from household h join membership m on m.household_id = h.id where h.area_id = new.id));
  perform search_refresh_households(array(select h.id from household h where h.area_id = new.id));
  perform search_refresh_groups(array(select g.id from group_record g where g.area_id = new.id));
  return null;
end $$;
-- +goose StatementEnd
create trigger area_place before insert or update on area for each row execute function area_place(); -- after area_ancestors, by name
create trigger area_place_follow after update on area for each row
  when (new.place <> old.place) execute function area_place_follow();
update area set place = '' where level = 0;

-- Who usually lives where, now: what households are counted and listed by.
-- +goose StatementBegin
do $$ begin
  if exists (select from pg_attribute where attrelid = 'membership'::regclass and attname = 'tie') then
    create view residence as select person_id, household_id, relationship from membership where end_date is null and tie = 'usual';
  else
    create view residence as select person_id, household_id, relationship from membership where end_date is null;
  end if;
end $$;
-- +goose StatementEnd
grant select on residence to daftar_staff, daftar_jobs, daftar_search;

-- What people are found by. terms holds the folded words of a name ('fatima'),
-- the codes of the areas around ('@MJ01') and the possible years of birth
-- ('#1987'; '#?' for a wide range or none). Web roles see who lives where in
-- their own areas and nothing else: the search goes through search.people.
create table person_search (
  person_id    uuid primary key,
  household_id uuid,
  place        text collate "C" not null,      -- of the home, or of the last one; '' for nowhere
  protected    boolean not null,
  terms        text[] collate "C" not null
);
create index person_search_place on person_search (place, person_id);
create index person_search_terms on person_search using gin (terms);

create table household_search (
  household_id uuid primary key,
  place        text collate "C" not null
);
create index household_search_place on household_search (place, household_id);

-- terms as of people: the words of a group's names and the codes of its areas. A
-- group without a place is the business of the whole country.
create table group_search (
  group_id uuid primary key,
  place    text collate "C" not null,
  terms    text[] collate "C" not null
);
create index group_search_place on group_search (place, group_id);
create index group_search_terms on group_search using gin (terms);

-- Every word of any name, once or a few times: misspellings are looked up here,
-- among words, and not among people. There is no unique index, so that no change
-- ever waits for another one that brings the same new word.
create table name_word (
  word text collate "C" not null,
  key  text collate "C" not null
);
create index name_word_word on name_word (word);
create index name_word_key on name_word (key);
create index name_word_like on name_word using gin (word gin_trgm_ops);

-- The areas of whoever is signed in, by any role and at any time: a limit under
-- what the pages ask for. Jobs and commands have none.
-- +goose StatementBegin
create function staff_places() returns text[] language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(array_agg(a.place), '{}') from staff_scope r join area a on a.id = r.area_id where r.staff_id = actor()
$$;
-- +goose StatementEnd
grant execute on function staff_places() to daftar_staff;

alter table person_search enable row level security;
alter table household_search enable row level security;
alter table group_search enable row level security;
alter table name_word enable row level security;
create policy person_search_all on person_search for select to daftar_search using (true);
create policy group_search_all on group_search for select to daftar_search using (true);
create policy group_search_staff on group_search for select to daftar_staff using (place ^@ any (array(select unnest(staff_places()))));
create policy name_word_all on name_word for select to daftar_search using (true);
create policy person_search_staff on person_search for select to daftar_staff using (place ^@ any (array(select unnest(staff_places()))));
create policy household_search_staff on household_search for select to daftar_staff using (place ^@ any (array(select unnest(staff_places()))));
grant select (person_id, household_id, place, protected) on person_search to daftar_staff;
grant select on household_search to daftar_staff;
grant select (group_id, place) on group_search to daftar_staff;
grant select on person_search, group_search, name_word, area, staff_scope, membership, identifier to daftar_search;
grant select (id, ref) on person to daftar_search;
grant select (id, ref) on household to daftar_search;
grant select (id, name, status) on group_record to daftar_search;

-- Whether a folded word may join the one beside it, so that the words of a name
-- cannot be folded one by one: Abdul Rahman, al Hassan.
-- +goose StatementBegin
create function name_joins(folded text) returns boolean language sql immutable parallel safe
return folded ~ U&'(^| )(abd[aeiou][lrsntdz]|al|el|\0627\0644)( |$)';

-- Brings the search in line with the records of these people. Each word is
-- folded once, however many people have it: that is most of the work. Planned
-- anew each time, for one person and for a million. What is not yet sorted into
-- the index is read by every search, so little is left there: a change of many
-- leaves nothing, and sorts once.
create function search_refresh(p_people uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
set gin_pending_list_limit = '64kB' as $$
declare
  folds jsonb; -- by word
  many constant boolean := cardinality(p_people) > 1000;
begin
  if p_people = '{}' then
    return;
  end if;
  if many then
    set local gin_pending_list_limit = '64MB';
  end if;
  select jsonb_object_agg(word, name_fold(word)) into folds from (
    select distinct unnest(string_to_array(concat_ws(' ', p.full_name, p.full_name_latin), ' ')) as word
    from unnest(p_people) u(id) join person p on p.id = u.id where p.full_name is not null or p.full_name_latin is not null) n;

  with named as materialized (
    select n.id, n.household_id, n.place, n.protected, n.first, n.last,
           -- of a word that long, the beginning
           case when length(n.words) > 60 then regexp_replace(n.words, '([^ ]{60})[^ ]+', '\1', 'g') else n.words end as words, n.joined
    from (
      select p.id, h.id as household_id, a.place, h.protected,
             date_part('year', p.birth_from)::integer as first, date_part('year', p.birth_to)::integer as last, name_joins(w.words) as joined,
             case when name_joins(w.words) then name_fold(concat_ws(' ', p.full_name, p.full_name_latin)) else w.words end as words
      from unnest(p_people) u(id)
      join person p on p.id = u.id
      cross join lateral (
        select case when p.full_name is not null or p.full_name_latin is not null then (
          select string_agg(nullif(folds->>word, ''), ' ')
          from unnest(string_to_array(concat_ws(' ', p.full_name, p.full_name_latin), ' ')) word) end as words offset 0) w
      left join household h on h.id = ( -- where they live, or lived last; looked up by person: a join of all of them is one with everybody
        select x.household_id from membership x where x.person_id = p.id
        order by (x.end_date is null and x.tie = 'usual') desc, x.end_date desc nulls first, x.start_date desc nulls last, x.id limit 1)
      left join area a on a.id = h.area_id) n
  ), found as (
    select id, household_id, coalesce(place, '') as place, coalesce(protected, false) as protected,
           string_to_array(coalesce(words, ''), ' ')
           || case when place is null then '{}' else string_to_array('@' || replace(rtrim(place, '/'), '/', '/@'), '/') end
           || case
                when first is null or last - first > 10 then array['#?']
                when first = last then array['#' || first]
                else array(select '#' || y from generate_series(first, last) y) end as terms
    from named
  ), known as (
    insert into person_search (person_id, household_id, place, protected, terms)
    select id, household_id, place, protected, terms from found
    on conflict (person_id) do update set household_id = excluded.household_id, place = excluded.place,
      protected = excluded.protected, terms = excluded.terms
    where (person_search.household_id, person_search.place, person_search.protected, person_search.terms)
      is distinct from (excluded.household_id, excluded.place, excluded.protected, excluded.terms)
  )
  insert into name_word (word, key)
  select n.word, name_key(n.word) from (
    select left(unnest(string_to_array(f.value, ' ')), 60) as word from jsonb_each_text(folds) f where f.value <> '' and not name_joins(f.value)
    union
    select unnest(string_to_array(words, ' ')) from named where joined) n
  where not exists (select from name_word x where x.word = n.word);

  if many then
    perform gin_clean_pending_list(c.oid) from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relname in ('person_search_terms', 'name_word_like');
  end if;
end $$;

create function search_refresh_households(p_households uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into household_search (household_id, place)
  select h.id, a.place from unnest(p_households) u(id) join household h on h.id = u.id join area a on a.id = h.area_id
  on conflict (household_id) do update set place = excluded.place where household_search.place <> excluded.place;
end $$;

create function search_refresh_groups(p_groups uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  with named as (
    select g.id, coalesce(a.place, '') as place,
           array(select left(w, 60) from unnest(string_to_array(name_fold(concat_ws(' ', g.name, g.name_latin)), ' ')) w where w <> '') as words
    from unnest(p_groups) u(id) join group_record g on g.id = u.id
    left join area a on a.id = coalesce(g.area_id, (select c.id from area c where c.level = 0 order by c.code limit 1))
  ), known as (
    insert into group_search (group_id, place, terms)
    select id, place, words || case when place = '' then '{}' else string_to_array('@' || replace(rtrim(place, '/'), '/', '/@'), '/') end from named
    on conflict (group_id) do update set place = excluded.place, terms = excluded.terms
    where (group_search.place, group_search.terms) is distinct from (excluded.place, excluded.terms)
  )
  insert into name_word (word, key)
  select w, name_key(w) from (select distinct unnest(words) as w from named) n where not exists (select from name_word x where x.word = n.w);
end $$;

-- An applied change is found in the transaction that applied it. Households that
-- moved or became protected take the people in them along. Who is new is found by
-- what the change itself says (find_new in 00013_dedup.sql).
create function search_follow() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  homes constant uuid[] := array( -- set apart: one that is looked for among many items, for each member of any, takes minutes
    select i.subject_id from change_item i where i.change_id = new.id and i.kind = 'household' and i.base_version > 0);
  fresh constant uuid[] := case when homes = '{}' then '{}' else array(
    select i.subject_id from change_item i where i.change_id = new.id and i.kind = 'person' and i.base_version = 0) end;
begin
  perform search_refresh_households(array(
    select i.subject_id from change_item i where i.change_id = new.id and i.kind = 'household'));
  perform search_refresh(array(
    select i.subject_id from change_item i where i.change_id = new.id and i.kind = 'person' and i.base_version > 0
    union
    select m.person_id from membership m where m.household_id = any(homes) and m.person_id <> all(fresh)));
  perform search_refresh_groups(array(select g.id from group_record g where g.change_id = new.id));
  return null;
end $$;
-- +goose StatementEnd
create trigger search_follow after update on change for each row
  when (new.state = 'applied' and old.state <> 'applied') execute function search_follow();

-- +goose StatementBegin
do $$ begin
  perform search_refresh_households(array(select id from household));
  perform search_refresh(array(select id from person));
  perform search_refresh_groups(array(select id from group_record));
end $$;
-- +goose StatementEnd

-- The search. It runs as daftar_search, which alone sees all names, and answers
-- with people in the areas that the officer has now and that the page's
-- permission holds in. Names are planned anew each time: one plan for every name
-- is a scan of everybody.

-- +goose StatementBegin
create function search_scope(p_now timestamptz, p_areas uuid[], out codes text[], out places text[], out whole boolean, out small boolean) language plpgsql stable
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  select coalesce(array_agg(distinct '@' || a.code), '{}'), array_agg(distinct a.place), coalesce(bool_or(a.level = 0), false), coalesce(min(a.level) > 1, false)
    into codes, places, whole, small
  from staff_scope r join area a on a.id = r.area_id
  where r.staff_id = actor() and r.area_id = any(p_areas) and r.valid_from <= p_now and (r.valid_to is null or r.valid_to > p_now);
end $$;

-- By a number that names one record: a reference, an identifier, a phone. Here
-- one plan is right for all.
create function search_number(p_now timestamptz, p_areas uuid[], p_kind text, p_value text, p_limit integer) returns table (person_id uuid)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  codes text[] := (search_scope(p_now, p_areas)).codes;
begin
  if p_kind = 'person' then
    return query select s.person_id from person p join person_search s on s.person_id = p.id where p.ref = p_value and s.terms && codes;
  elsif p_kind = 'household' then
    return query select s.person_id from household h join residence m on m.household_id = h.id
      join person_search s on s.person_id = m.person_id where h.ref = p_value and s.terms && codes limit p_limit;
  elsif p_kind = 'identifier' then
    return query
      select s.person_id from identifier i join person_search s on s.person_id = i.subject_id
      where i.value = p_value and i.status <> 'ended' and i.subject_kind = 'person' and s.terms && codes
      union
      select s.person_id from identifier i join residence m on m.household_id = i.subject_id
      join person_search s on s.person_id = m.person_id
      where i.value = p_value and i.status <> 'ended' and i.subject_kind = 'household' and s.terms && codes
      limit p_limit;
  elsif p_kind = 'phone' then
    return query select s.person_id from contact c join person_search s on s.person_id = c.person_id
      where c.kind = 'phone' and c.value = p_value and not c.protected and not s.protected and s.terms && codes limit p_limit;
  end if;
end $$;

-- Words of names that may be meant by one that was typed, the likeliest first:
-- itself, words that begin with it, hold it or sound the same; or, when wide,
-- those that a slip or two of the finger away.
create function search_words(p_word text, p_key text, p_wide boolean) returns text[] language sql stable
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
  select array_agg(word) from (
    select word from (
      select p_word as word, 0::real as far
      union all
      select * from (select distinct w.word, 1 + 0.01::real * length(w.word) from name_word w where length(p_word) > 1 and w.word like p_word || '%' limit 100) begins
      union all
      select * from (select distinct w.word, 2 + 0.01::real * length(w.word) from name_word w where length(p_word) > 2 and w.word like '%' || p_word || '%' limit 100) holds
      union all
      select * from (select distinct w.word, 2 - similarity(w.word, p_word) from name_word w where w.key = p_key limit 300) sounds
      union all
      select * from (
        select distinct w.word, 3 - similarity(w.word, p_word) from name_word w
        where p_wide and w.word % p_word and levenshtein_less_equal(w.word, p_word, 2) <= case when length(p_word) < 5 then 1 else 2 end
        limit 300) slips
    ) close group by word order by min(far), word limit 100) best
$$;

-- By name, at most p_limit people. tier 1: every word as typed; 2: words that
-- hold or sound like those typed; 3: misspelt; 4: all words but one. It stops at
-- the first tier that finds somebody, unless asked for similar ones, too.
create function search_names(p_now timestamptz, p_areas uuid[], p_words text[], p_keys text[], p_area text, p_year integer, p_similar boolean, p_limit integer)
returns table (person_id uuid, tier integer)
language plpgsql stable security definer set search_path = public, pg_temp
set plan_cache_mode = force_custom_plan set pg_trgm.similarity_threshold = 0.3 as $$
declare
  codes text[];
  places text[];
  whole boolean;
  small boolean; -- no area is as large as a region
  must text[] := case when p_area is null then '{}' else array['@' || p_area] end;
  years text[] := case when p_year is null then null else array['#' || p_year, '#?'] end;
  n integer := cardinality(p_words);
  more uuid[];
  seen uuid[];
  w1 text[]; w2 text[]; w3 text[]; w4 text[];
begin
  select s.codes, s.places, s.whole, s.small into codes, places, whole, small from search_scope(p_now, p_areas) s;
  if codes = '{}' or n > 8 or n = 0 and (p_area is null or p_year is null) then
    return;
  end if;
  -- A small area is looked up together with the words: a thousand people of one
  -- name live all over the country. The list of a region is so long that what
  -- several words have in common is looked at one by one.
  if whole or n > 1 and not small then
    codes := null;
  end if;
  if whole or n <= 1 or small then
    places := null;
  end if;

  seen := array(
    select s.person_id from person_search s
    where s.terms @> (p_words || must) and (codes is null or s.terms && codes) and (places is null or s.place ^@ any(places)) and (years is null or s.terms && years)
      and (p_area is null or not s.protected)
    limit p_limit);
  return query select id, 1 from unnest(seen) id;
  if n = 0 or cardinality(seen) >= p_limit or seen <> '{}' and not p_similar then
    return;
  end if;

  for wide in 0..1 loop
    w1 := search_words(p_words[1], p_keys[1], wide = 1);
    w2 := case when n > 1 then search_words(p_words[2], p_keys[2], wide = 1) end;
    w3 := case when n > 2 then search_words(p_words[3], p_keys[3], wide = 1) end;
    w4 := case when n > 3 then search_words(p_words[4], p_keys[4], wide = 1) end;
    for width in 1..2 loop -- the likeliest words first: all of them may be half the country
      more := array(
        select f.person_id from (
          select s.person_id, s.terms from person_search s
          where s.terms && w1[:10 ^ width] and (w2 is null or s.terms && w2[:10 ^ width]) and (w3 is null or s.terms && w3[:10 ^ width])
            and (w4 is null or s.terms && w4[:10 ^ width])
            and (must = '{}' or s.terms @> must) and (codes is null or s.terms && codes) and (places is null or s.place ^@ any(places)) and (years is null or s.terms && years)
            and (p_area is null or not s.protected) and s.person_id <> all(seen)
          limit 4 * p_limit) f
        order by (select coalesce(min(array_position(w1, t)), 0) + coalesce(min(array_position(w2, t)), 0)
                       + coalesce(min(array_position(w3, t)), 0) + coalesce(min(array_position(w4, t)), 0) from unnest(f.terms) t), 1
        limit p_limit - cardinality(seen));
      return query select id, 2 + wide from unnest(more) id;
      seen := seen || more;
      if cardinality(seen) >= p_limit then
        return;
      end if;
    end loop;
    if seen <> '{}' and not p_similar then
      return;
    end if;
  end loop;

  if seen = '{}' and n between 3 and 4 then
    return query
      select s.person_id, 4 from person_search s
      where (s.terms && w1 and s.terms && w2 and (w4 is null or s.terms && w4) or s.terms && w1 and s.terms && w3 and (w4 is null or s.terms && w4)
             or s.terms && w2 and s.terms && w3 and (w4 is null or s.terms && w4) or s.terms && w1 and s.terms && w2 and s.terms && w3)
        and (must = '{}' or s.terms @> must) and (codes is null or s.terms && codes) and (places is null or s.place ^@ any(places)) and (years is null or s.terms && years)
        and (p_area is null or not s.protected)
      limit p_limit;
  end if;
end $$;

-- Groups by a number of theirs, or by name, in the same tiers but the last: there
-- are few, so the words are looked at one after the other.
create function search_groups(p_now timestamptz, p_areas uuid[], p_number text, p_words text[], p_keys text[], p_area text, p_similar boolean, p_limit integer)
returns table (group_id uuid, tier integer)
language plpgsql stable security definer set search_path = public, pg_temp
set plan_cache_mode = force_custom_plan set pg_trgm.similarity_threshold = 0.3 as $$
declare
  codes constant text[] := (search_scope(p_now, p_areas)).codes;
  must constant text[] := case when p_area is null then '{}' else array['@' || p_area] end;
  more uuid[];
  seen uuid[];
begin
  seen := array(
    select i.subject_id from identifier i join group_search s on s.group_id = i.subject_id
    where i.value = p_number and i.status <> 'ended' and i.subject_kind = 'group' and s.terms && codes limit p_limit);
  return query select id, 1 from unnest(seen) id;
  for level in 1..3 loop
    more := null;
    for i in 1..least(cardinality(p_words), 8) loop
      more := array(
        select s.group_id from group_search s
        where s.terms && case level when 1 then array[p_words[i]] else search_words(p_words[i], p_keys[i], level = 3) end
          and s.terms && codes and s.terms @> must and (i = 1 or s.group_id = any(more)));
    end loop;
    more := array(select g.id from group_record g where g.id = any(more) and g.id <> all(seen) order by g.status, g.name, g.id limit p_limit - cardinality(seen));
    return query select id, level from unnest(more) id;
    seen := seen || more;
    if cardinality(seen) >= p_limit or seen <> '{}' and not p_similar then
      return;
    end if;
  end loop;
end $$;
-- +goose StatementEnd

grant usage, create on schema public to daftar_search;
alter function search_scope(timestamptz, uuid[]) owner to daftar_search;
alter function search_words(text, text, boolean) owner to daftar_search;
alter function search_number(timestamptz, uuid[], text, text, integer) owner to daftar_search;
alter function search_names(timestamptz, uuid[], text[], text[], text, integer, boolean, integer) owner to daftar_search;
alter function search_groups(timestamptz, uuid[], text, text[], text[], text, boolean, integer) owner to daftar_search;
revoke create on schema public from daftar_search;
grant execute on function search_number(timestamptz, uuid[], text, text, integer),
  search_names(timestamptz, uuid[], text[], text[], text, integer, boolean, integer),
  search_groups(timestamptz, uuid[], text, text[], text[], text, boolean, integer) to daftar_staff;
drop index if exists person_name;
-- Found by the number alone, too, whatever its type.
drop index identifier_value;
create index identifier_value on identifier (value, type);

-- +goose StatementBegin
do $$ begin
  if to_regclass('contact') is not null then
    grant select on contact to daftar_search;
  end if;
end $$;
-- +goose StatementEnd

-- What a member of staff is at, for the length of a session: what they look
-- people up for, asked every fifteen minutes, and the last search, which is kept
-- here because a name does not belong into an address.
create table staff_work (
  session_id    uuid primary key references session on delete cascade,
  purpose       text not null default '',
  purpose_until timestamptz not null,
  search        jsonb not null default '{}',
  searched_at   timestamptz
);
grant select, insert, update on staff_work to daftar_staff;

-- Filters that officers keep. Each sees their own and those shared with a role
-- that they have.
create table saved_filter (
  id          uuid primary key,
  ref         text not null unique,
  name        text not null,
  subject     text not null check (subject in ('person', 'household', 'group')),
  area_id     uuid references area,
  expr        jsonb not null,                    -- filters.Expr
  owner       uuid not null default actor() references staff,
  shared_with text,                              -- role
  changed_at  timestamptz not null,
  removed_at  timestamptz
);
create index saved_filter_owner on saved_filter (owner) where removed_at is null;
create index saved_filter_shared on saved_filter (shared_with) where shared_with is not null and removed_at is null;
alter table saved_filter enable row level security;
create policy saved_filter_seen on saved_filter for select to daftar_staff using (
  owner = actor() or exists (select from staff_scope r where r.staff_id = actor() and r.role = shared_with));
create policy saved_filter_made on saved_filter for insert to daftar_staff with check (owner = actor());
create policy saved_filter_changed on saved_filter for update to daftar_staff using (owner = actor()) with check (owner = actor());
grant select, insert (id, ref, name, subject, area_id, expr, changed_at), update (name, expr, shared_with, changed_at, removed_at)
  on saved_filter to daftar_staff;

-- +goose Down
select 1;
